"""The paper figure: feature maps as boxes to scale, from a network's scene to a drawing."""
