"""Is it true? Packetpig's columns against those of other programs that read the same captures."""
