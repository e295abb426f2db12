"""The network: the address gate, HTTP, ranged and segmented transfer, and the proxy children must use."""
