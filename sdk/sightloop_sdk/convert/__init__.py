"""From what people hold in their hands to what is sent: by its attributes, nothing is imported."""
