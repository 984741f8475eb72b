//! Stories about the whole program, one file each: what visitors, admins, auditors and operators live through.
