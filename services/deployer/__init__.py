"""Models, deployments, roll-outs, and the verdict of champion against shadow."""
