"""Views of a host: pictures made of the model. Pure; ``cli`` prints them."""
