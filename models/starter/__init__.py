"""Training of the weights that we publish ourselves. Needs torch; never imported by the running appliance."""
