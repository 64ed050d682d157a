//! Providers by name: the one list that a new provider is added to.

use std::{collections::BTreeMap, fmt, sync::Arc};

use ports::CalendarProvider;

/// The providers of an installation.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, Arc<dyn CalendarProvider>>);

impl Registry {
    /// No provider yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a provider under its own name; a second one of that name replaces the first.
    #[must_use]
    pub fn with(mut self, provider: Arc<dyn CalendarProvider>) -> Self {
        self.0.insert(provider.name(), provider);
        self
    }

    /// The provider of that name, if there is one.
    pub fn get(&self, name: &str) -> Option<Arc<dyn CalendarProvider>> {
        self.0.get(name).map(Arc::clone)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.keys().copied()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
