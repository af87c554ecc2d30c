"""The sandbox: a cluster of Hadoop's daemons, and images."""
