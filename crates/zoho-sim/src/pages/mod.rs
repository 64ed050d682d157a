//! The pages for people. They work without JavaScript.
