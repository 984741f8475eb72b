//! The binary `gateledger`.

fn main() {}
