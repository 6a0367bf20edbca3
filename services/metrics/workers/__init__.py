"""Jobs and loops: references, scores, and telling browsers what moved."""
