"""Word of what happened: facts as CloudEvents, each with one id however often it is told."""
