"""HTTP as the engine speaks it: through the gate, over connections of its own."""
