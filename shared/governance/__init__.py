"""What the operator lets the app do, and when: act or observe, pause, quiet windows, caps; a log of decisions."""
