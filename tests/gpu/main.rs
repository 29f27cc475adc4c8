//! Tests that need an adapter, in one program: a software one will do.

mod preprocess;
