"""`python -m appliance web|worker|seed`: the processes that the supervisor or systemd starts."""

from appliance.processes import main

if __name__ == "__main__":
    main()
