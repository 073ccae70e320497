"""Model packages, the engines that run them, their server and client, and the starter training. Knows no tenants."""
