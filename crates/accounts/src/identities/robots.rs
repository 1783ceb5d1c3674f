use super::faults::invalid;
use gantry_fault::Fault;
use gantry_words::{Network, Timestamp};
use std::net::IpAddr;

/// The most networks of a robot.
pub const NETWORKS_MAX: usize = 50;

/// What only robots have: users that are programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RobotRules {
    /// From when on it is nobody; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// From where it may come, as CIDR; from anywhere where there are none.
    pub networks: Vec<String>,
}

impl RobotRules {
    /// Checks what a request brings.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidInput`]: a network that is none, too many of them, an end that is past.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Fault> {
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(invalid("A robot that ends in the past would never work; give a later time, or none"));
        }
        if self.networks.len() > NETWORKS_MAX {
            return Err(invalid(format!("A robot has at most {NETWORKS_MAX} networks")));
        }
        match self.networks.iter().find(|network| network.parse::<Network>().is_err()) {
            Some(wrong) => {
                let shown: String = wrong.chars().take(64).collect();
                Err(invalid(format!("{shown:?} is no network, such as 10.1.0.0/16 or 2001:db8::/32")))
            }
            None => Ok(()),
        }
    }

    /// Whether a robot of these rules is somebody at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may come from `source`; from a place that is not known only where it may come from anywhere.
    pub fn admits(&self, source: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || source.is_some_and(|source| self.networks.iter().any(|network| holds(network, source)))
    }

    pub(super) fn print_networks(&self) -> String {
        serde_json::to_string(&self.networks).expect("a list of texts becomes JSON")
    }

    pub(super) fn read(expires_at: Option<Timestamp>, networks: &str) -> Result<Self, Fault> {
        let networks =
            serde_json::from_str(networks).map_err(|error| Fault::internal(format!("stored networks: {error}")))?;
        Ok(RobotRules { expires_at, networks })
    }
}

fn holds(network: &str, source: IpAddr) -> bool {
    network.parse::<Network>().is_ok_and(|network| network.contains(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(networks: &[&str]) -> RobotRules {
        RobotRules { expires_at: None, networks: networks.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_robot_comes_from_its_networks_only() {
        let robot = within(&["10.1.0.0/16", "2001:db8::/32"]);

        for (source, is_admitted) in
            [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("10.2.0.1", false), ("2001:db8::1", true), ("::1", false)]
        {
            assert_eq!(robot.admits(Some(source.parse().unwrap())), is_admitted, "{source}");
        }
        assert!(!robot.admits(None));
        assert!(within(&[]).admits(None));
        assert!(within(&["0.0.0.0/0"]).admits(Some([9, 9, 9, 9].into())));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let now = Timestamp::from_millis(7);
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "10.0.0.0/+8", "any"] {
            assert!(within(&[wrong]).check(now).is_err(), "{wrong}");
        }
        assert!(RobotRules { expires_at: Some(now), networks: vec![] }.check(now).is_err());
        assert!(within(&["10.0.0.1"; 51]).check(now).is_err());
        assert!(within(&["10.0.0.1"; 50]).check(now).is_ok());
    }

    #[test]
    fn a_robot_is_nobody_from_its_end_on() {
        let end = Timestamp::from_millis(7);
        let robot = RobotRules { expires_at: Some(end), networks: vec![] };

        assert!(robot.is_alive(Timestamp::from_millis(6)));
        assert!(!robot.is_alive(end));
        assert!(within(&[]).is_alive(end));
    }
}
