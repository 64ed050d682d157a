//! zoho-sim
