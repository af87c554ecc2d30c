"""File systems that are not this machine's: HDFS by WebHDFS, and S3. One room for all who read or write there.

Nothing here is imported where all paths are local.
"""
