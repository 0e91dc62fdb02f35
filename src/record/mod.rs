//! Record batches as bytes: header view, validation, stamping, compression, builders, and codecs of the internal topics.
