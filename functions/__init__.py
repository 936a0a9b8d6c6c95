"""One module per trigger: decode the input, call one function of shared/, encode the output."""
