"""What tests/run does after it has made sure that there is a Python."""
