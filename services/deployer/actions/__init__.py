"""What routes, consumers, jobs and loops have in common: roll-outs, trials, model files."""
