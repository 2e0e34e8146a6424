"""What makes good images bad: the input of an enhancer."""
