//! What `saml` promises as a whole: forged messages refused one by one, and real providers signed in at.

mod attacks;
mod both_metadata;
mod encryption;
mod forged;
mod kind;
mod log_out;
mod pysaml2;
mod simplesamlphp;
mod stage;
mod visitor;
mod wrapping;
