"""What each command of the command line does; `appliance.cli` only names them and their flags."""
