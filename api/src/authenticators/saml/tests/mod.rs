//! What `saml` promises as a whole: forged messages refused one by one, and real providers signed in at.

mod attacks;
mod forged;
mod kind;
mod pysaml2;
mod simplesamlphp;
mod stage;
mod visitor;
mod wrapping;
