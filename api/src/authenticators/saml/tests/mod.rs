//! What `saml` promises as a whole: forged messages refused one by one, and real providers signed in at.

mod attacks;
mod forged;
mod kind;
mod stage;
mod wrapping;
