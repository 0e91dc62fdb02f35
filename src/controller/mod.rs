//! Judges admin and broker requests against an image and answers with records. Pure.
