"""Every query of the deployer."""
