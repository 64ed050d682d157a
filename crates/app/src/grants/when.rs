//! When access tokens are refreshed: what an administrator decides for the whole installation.

/// When access tokens are refreshed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RefreshWhen {
    /// Ahead of their end, always.
    #[default]
    Ahead,
    /// Only where work of the manager is due within the hour, and once a day to see that the permission stands: for large installations.
    Due,
}

impl std::str::FromStr for RefreshWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ahead" => Ok(Self::Ahead),
            "due" => Ok(Self::Due),
            other => Err(format!("`{other}` is neither `ahead` nor `due`")),
        }
    }
}
