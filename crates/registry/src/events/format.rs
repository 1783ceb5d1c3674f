//! How events are written for those who read them: a file for each format, and a line in the list.

mod cloud_events;
mod event_bridge;
mod gantry;

use super::FeedEvent;
use serde_json::Value;

/// How events are written.
#[derive(Clone, Copy, Debug)]
pub struct EventFormat {
    /// How it is called.
    pub name: &'static str,
    /// Writes an event: as one document or several, or not at all where the format has no words for it.
    write: fn(&FeedEvent) -> Vec<Value>,
}

/// All formats. The first is that of those who ask for none.
pub const EVENT_FORMATS: [EventFormat; 3] = [
    EventFormat { name: "gantry", write: gantry::write },
    EventFormat { name: "eventbridge", write: event_bridge::write },
    EventFormat { name: "cloudevents", write: cloud_events::write },
];

impl EventFormat {
    /// Finds a format by its name.
    pub fn find(name: &str) -> Option<EventFormat> {
        EVENT_FORMATS.into_iter().find(|format| format.name == name)
    }

    /// Writes an event: as one document or several, or not at all where the format has no words for it.
    pub fn write(&self, event: &FeedEvent) -> Vec<Value> {
        (self.write)(event)
    }
}

/// The member of a body that is the event as EventBridge delivers it.
const EVENT_BRIDGE: &str = "eventBridge";

/// What there is to know about an event, without that.
fn own_body(event: &FeedEvent) -> Value {
    let mut body = event.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove(EVENT_BRIDGE);
    }
    body
}

#[cfg(test)]
mod tests;
