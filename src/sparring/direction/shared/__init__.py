"""What the ways of finding directions share."""
