//! What may be asked: the pure rules of a submission.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::job::FilledTemplate;
use crate::domain::{Brief, DiagramType, Tier, TierPolicy};

use super::base::{self, Base};
use super::{Queue, Rules};

/// Bytes of `metadata`.
pub const METADATA_BYTES_MAX: usize = 2048;
/// What is said of JSON that nobody can read back.
const UNREADABLE: &str = "Holds a number that is too large or half of a surrogate pair; write it as text.";
/// Characters of all of a template's variables together.
pub const TEMPLATE_CHARS_MAX: usize = 100_000;
/// The longest deadline: 30 days.
pub const DEADLINE_SECONDS_MAX: u64 = 30 * 24 * 3600;

/// The body of `POST /api/diagram/generate`, typed but not yet checked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitRequest {
    /// What to draw.
    pub prompt: String,
    /// Language; when absent that of the base request, else Mermaid.
    #[serde(default)]
    pub diagram_type: Option<DiagramType>,
    /// Output bound.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Model; the tier's default when absent.
    #[serde(default)]
    pub model: Option<String>,
    /// Template name.
    #[serde(default)]
    pub template: Option<String>,
    /// Template variables.
    #[serde(default)]
    pub variables: Option<Box<RawValue>>,
    /// A finished request whose diagram is to be changed.
    #[serde(default)]
    pub base_request_id: Option<String>,
    /// A diagram to be changed.
    #[serde(default)]
    pub base_source: Option<String>,
    /// Ends as expired after this many seconds.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
    /// `default` or `bypass`.
    #[serde(default)]
    pub cache: Option<String>,
    /// Where to post the end.
    #[serde(default)]
    pub webhook_url: Option<String>,
    /// The caller's own data, returned as it came.
    #[serde(default)]
    pub metadata: Option<Box<RawValue>>,
}

/// One fault of a body: a JSON pointer and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the body.
    pub pointer: Cow<'static, str>,
    /// In plain words.
    pub detail: String,
}

/// A body that keeps the rules.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Language.
    pub diagram_type: DiagramType,
    /// Output bound.
    pub max_tokens: u32,
    /// Model; `None`: the upstream's.
    pub model: Option<String>,
    /// Time allowed.
    pub deadline: Option<Duration>,
    /// Where its end is told; `None`: where its user's ends are.
    pub webhook_url: Option<String>,
    /// Whether it neither asks the cache nor fills it.
    pub bypasses_cache: bool,
    /// What to ask.
    pub brief: Brief,
}

/// Why a body was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unacceptable {
    /// It breaks rules; all of them at once.
    Faults(Vec<Fault>),
    /// It asks for a model that the tier does not have.
    ModelForbidden(String),
}

impl Queue {
    /// The faults of a request that is not submitted, because others are known already.
    pub fn faults_of(&self, request: SubmitRequest, tier: Tier) -> Vec<Fault> {
        let rules = self.rules();
        match check(request, Base::Unnamed, &rules, rules.tiers.of(tier)) {
            Err(Unacceptable::Faults(faults)) => faults,
            Ok(_) | Err(Unacceptable::ModelForbidden(_)) => Vec::new(),
        }
    }
}

/// Checks a body against the rules and the caller's tier. `base` is what its `baseRequestId`
/// names.
///
/// # Errors
/// Every fault at once; a forbidden model only when there is no other fault.
pub fn check(
    request: SubmitRequest,
    base: Base,
    rules: &Rules,
    policy: &TierPolicy,
) -> Result<Checked, Unacceptable> {
    let mut faults = Vec::new();
    let mut fault =
        |pointer: &'static str, detail: String| faults.push(Fault { pointer: pointer.into(), detail });

    let prompt = request.prompt.trim();
    let chars = prompt.chars().count();
    if chars == 0 {
        fault("/prompt", "Say what to draw: the prompt is empty.".into());
    } else if chars > rules.max_prompt_chars {
        fault(
            "/prompt",
            format!("The prompt has {chars} characters; at most {} are allowed.", rules.max_prompt_chars),
        );
    }
    let max_tokens = match request.max_tokens {
        None => rules.default_max_tokens,
        Some(asked) => match u32::try_from(asked) {
            Ok(tokens) if (1..=rules.max_tokens_cap).contains(&tokens) => tokens,
            _ => {
                fault("/maxTokens", format!("Must be a whole number from 1 to {}.", rules.max_tokens_cap));
                1
            }
        },
    };
    if request.deadline_seconds.is_some_and(|seconds| !(1..=DEADLINE_SECONDS_MAX).contains(&seconds)) {
        fault("/deadlineSeconds", format!("Must be a whole number from 1 to {DEADLINE_SECONDS_MAX}."));
    }
    if request.model.as_deref().is_some_and(|model| model.is_empty() || model.len() > 128) {
        fault("/model", "Must have 1 to 128 characters.".into());
    }
    if let Some(metadata) = &request.metadata {
        if !metadata.get().starts_with('{') {
            fault("/metadata", "Must be an object.".into());
        } else if metadata.get().len() > METADATA_BYTES_MAX {
            fault("/metadata", format!("Must be at most {METADATA_BYTES_MAX} bytes of JSON."));
        } else if !is_readable(metadata) {
            fault("/metadata", UNREADABLE.into());
        }
    }
    if let Some(mode) = request.cache.as_deref().filter(|mode| !matches!(*mode, "default" | "bypass")) {
        fault("/cache", format!("{mode:?} is not a cache mode; use \"default\" or \"bypass\"."));
    }
    base::check(&request, &base, &mut fault);
    let diagram_type = request.diagram_type.or(base.diagram_type()).unwrap_or_default();
    if let Some(wrong) = request.webhook_url.as_deref().and_then(|url| rules.telling.fault(url)) {
        fault("/webhookUrl", wrong);
    }
    let template = match fill_template(&request, diagram_type, rules) {
        Ok(template) => template,
        Err(mut wrong) => {
            faults.append(&mut wrong);
            None
        }
    };
    if !faults.is_empty() {
        return Err(Unacceptable::Faults(faults));
    }

    let model = match request.model {
        Some(model) if rules.allows_model(policy, &model) => Some(model),
        Some(model) => return Err(Unacceptable::ModelForbidden(model)),
        None => policy.models.first().cloned(),
    };
    Ok(Checked {
        diagram_type,
        max_tokens,
        model,
        deadline: request.deadline_seconds.map(Duration::from_secs).or(rules.default_deadline),
        webhook_url: request.webhook_url,
        bypasses_cache: request.cache.as_deref() == Some("bypass"),
        brief: Brief {
            prompt: prompt.to_owned(),
            template,
            base_source: request.base_source.or(base.into_source()),
            metadata: request.metadata,
        },
    })
}

/// Whether readers of JSON can hold it: raw text may have numbers beyond all bounds (`1e400`) and
/// halves of characters (`"\ud800"`).
fn is_readable(raw: &RawValue) -> bool {
    serde_json::from_str::<serde_json::Value>(raw.get()).is_ok()
}

/// The template that a request names, with its variables in it.
fn fill_template(
    request: &SubmitRequest,
    diagram_type: DiagramType,
    rules: &Rules,
) -> Result<Option<FilledTemplate>, Vec<Fault>> {
    let one = |pointer: &'static str, detail: String| vec![Fault { pointer: pointer.into(), detail }];
    let variables = match request.variables.as_deref().map(RawValue::get) {
        None => serde_json::Map::new(),
        Some(text) => {
            let detail = if text.starts_with('{') { UNREADABLE } else { "Must be an object." };
            serde_json::from_str(text).map_err(|_| one("/variables", detail.into()))?
        }
    };
    let Some(name) = &request.template else {
        return match request.variables {
            Some(_) => Err(one("/variables", "Variables belong to a template; name one.".into())),
            None => Ok(None),
        };
    };
    let filled = rules.templates.fill(name, diagram_type, &variables)?;
    let chars: usize = filled.values.iter().map(|value| value.text.chars().count()).sum();
    if chars > TEMPLATE_CHARS_MAX {
        let detail = format!(
            "The variables have {chars} characters together; at most {TEMPLATE_CHARS_MAX} are allowed."
        );
        return Err(one("/variables", detail));
    }
    Ok(Some(filled))
}
