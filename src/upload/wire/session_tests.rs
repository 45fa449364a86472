//! The session against service messages made by grammers' types.
