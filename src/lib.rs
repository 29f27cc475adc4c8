//! pulmo
