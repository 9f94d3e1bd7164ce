"""What a Kubernetes node of Dure runs: reports the boot to the host, takes its document from it, and joins the cluster."""
