"""The backup policy catalog: what the tag on a cluster means. Pure; asks nobody."""
