//! The simulator as a program of its own.

/// How to run the simulator on this machine.
pub struct SimulateOptions {
    /// The first port; one more for each further data centre.
    pub port: u16,
}

/// Runs until `options.shutdown`.
pub async fn simulate(_options: SimulateOptions) -> anyhow::Result<()> {
    Ok(())
}
