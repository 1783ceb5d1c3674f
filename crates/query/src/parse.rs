mod value;

use crate::{
    error::{QueryError, QueryProblem, Span},
    expression::{Node, Query},
    field::{Field, Kind},
    term::{Term, Test},
};
use std::str::FromStr;

/// Bytes of a query.
pub const QUERY_BYTES_MAX: usize = 4_096;
/// Conditions of a query.
pub const TERMS_MAX: usize = 64;
/// How deep parentheses and negations may lie in each other.
pub const DEPTH_MAX: usize = 16;

/// Reads a query:
///
/// ```text
/// any  = all { "or" all }
/// all  = one { [ "and" ] one }
/// one  = ( "not" | "-" ) one | "(" any ")" | term
/// term = flag | field ( ":" | "=" | "<" | "<=" | ">" | ">=" ) value
/// ```
///
/// A value ends at a space or a parenthesis that is not within `"quotes"`; within them `\` stands before a quote. Nothing at all
/// means every image.
impl FromStr for Query {
    type Err = QueryError;

    /// # Errors
    /// The text is none, with the part that is wrong, or beyond one of the bounds.
    fn from_str(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            let end = text.floor_char_boundary(QUERY_BYTES_MAX);
            let problem = QueryProblem::TooLong { bytes: text.len() };
            return Err(QueryError { span: Span::between(end, text.len()), problem });
        }
        let mut parser = Parser { text, at: 0, parentheses: 0, terms: Vec::new() };
        parser.skip_space();
        let root = if parser.rest().is_empty() { Node::All(Vec::new()) } else { parser.any(0)? };
        if !parser.rest().is_empty() {
            return Err(parser.here(1, QueryProblem::ParenthesisClosed));
        }
        Ok(Query { terms: parser.terms, root })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// How many are open.
    parentheses: usize,
    terms: Vec<Term>,
}

/// How a value is compared, as it is written; longer signs before those that they begin with.
const OPERATORS: [&str; 6] = [":", "=", "<=", "<", ">=", ">"];

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '"' | ':' | '=' | '<' | '>')
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn here(&self, length: usize, problem: QueryProblem) -> QueryError {
        QueryError { span: Span { offset: self.at, length }, problem }
    }

    /// The word that comes next, if none of the signs does.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(ends_word).unwrap_or(rest.len())]
    }

    /// Whether this word comes next, in capitals or not, and is no field.
    fn is_at(&self, keyword: &str) -> bool {
        let word = self.word();
        word.eq_ignore_ascii_case(keyword) && !self.rest()[word.len()..].starts_with([':', '=', '<', '>'])
    }

    fn any(&mut self, depth: usize) -> Result<Node, QueryError> {
        let mut nodes = vec![self.all(depth)?];
        while self.is_at("or") {
            self.at += "or".len();
            nodes.push(self.all(depth)?);
        }
        Ok(Node::any(nodes))
    }

    fn all(&mut self, depth: usize) -> Result<Node, QueryError> {
        let mut nodes = Vec::new();
        let mut is_wanted = true;
        loop {
            self.skip_space();
            if self.rest().is_empty() || self.rest().starts_with(')') || self.is_at("or") {
                break;
            }
            if self.is_at("and") {
                if is_wanted {
                    return Err(self.here("and".len(), QueryProblem::ConditionMissing));
                }
                self.at += "and".len();
                is_wanted = true;
                continue;
            }
            nodes.push(self.one(depth)?);
            is_wanted = false;
        }
        if !is_wanted {
            return Ok(Node::all(nodes));
        }
        let is_stray = self.rest().starts_with(')') && self.parentheses == 0;
        let problem = if is_stray { QueryProblem::ParenthesisClosed } else { QueryProblem::ConditionMissing };
        Err(self.here(self.word().len().max(usize::from(!self.rest().is_empty())), problem))
    }

    fn one(&mut self, depth: usize) -> Result<Node, QueryError> {
        let negation = if self.rest().starts_with('-') { 1 } else { usize::from(self.is_at("not")) * "not".len() };
        let is_open = self.rest().starts_with('(');
        if negation == 0 && !is_open {
            return self.term();
        }
        if depth == DEPTH_MAX {
            return Err(self.here(negation.max(1), QueryProblem::TooDeep));
        }
        if negation > 0 {
            self.at += negation;
            self.skip_space();
            if self.rest().is_empty() || self.rest().starts_with(')') || self.is_at("or") || self.is_at("and") {
                return Err(self.here(usize::from(!self.rest().is_empty()), QueryProblem::ConditionMissing));
            }
            return self.one(depth + 1).map(Node::negated);
        }
        let opened = self.at;
        self.at += 1;
        self.parentheses += 1;
        let node = self.any(depth + 1)?;
        if !self.rest().starts_with(')') {
            let span = Span { offset: opened, length: 1 };
            return Err(QueryError { span, problem: QueryProblem::ParenthesisOpen });
        }
        self.at += 1;
        self.parentheses -= 1;
        Ok(node)
    }

    fn term(&mut self) -> Result<Node, QueryError> {
        let (start, name) = (self.at, self.word());
        let wrong = |end: usize, problem| QueryError { span: Span::between(start, end), problem };
        self.at += name.len();
        let operator = OPERATORS.into_iter().find(|sign| self.rest().starts_with(*sign));
        let Some(operator) = operator else {
            // What is no condition is named as it was written, quoted or not.
            let word = if name.is_empty() { self.value()? } else { name.to_string() };
            return match Field::find(&word) {
                Some(field) if field.kind() == Kind::Flag && !name.is_empty() => self.add(start, field, Test::Flag),
                _ => Err(wrong(self.at, QueryProblem::NoCondition { word })),
            };
        };
        let field = self.field(start, name, operator)?;
        self.at += operator.len();
        let before = self.at;
        let value = self.value()?;
        let (at, name) = (self.at, name.to_string());
        if at == before {
            return Err(wrong(at, QueryProblem::ValueMissing { name, field }));
        }
        let test = match value::test(field, operator, &value) {
            Ok(test) => test,
            Err(value::Wrong::Operator) => return Err(wrong(before, QueryProblem::Operator { name, operator, field })),
            Err(value::Wrong::Value(message)) => {
                return Err(QueryError { span: Span::between(before, at), problem: QueryProblem::Value { message } });
            }
        };
        self.add(start, field, test)
    }

    /// The field before an operator.
    fn field(&self, start: usize, name: &str, operator: &str) -> Result<Field, QueryError> {
        let problem = match Field::find(name) {
            Some(field) if field.kind() != Kind::Flag => return Ok(field),
            Some(_) => QueryProblem::ValueTooMuch { name: name.into() },
            None if name.is_empty() => {
                QueryProblem::Value { message: "a field is missing before this, as in tag:v1.*".into() }
            }
            None => match name.strip_suffix('!') {
                Some(name) if operator == "=" => {
                    QueryProblem::Value { message: format!("write -{name}:VALUE for what must not be so") }
                }
                _ => QueryProblem::UnknownField { name: name.into() },
            },
        };
        let end = self.at + if name.is_empty() { operator.len() } else { 0 };
        Err(QueryError { span: Span::between(start, end), problem })
    }

    fn add(&mut self, start: usize, field: Field, test: Test) -> Result<Node, QueryError> {
        if self.terms.len() == TERMS_MAX {
            return Err(QueryError { span: Span::between(start, self.at), problem: QueryProblem::TooManyTerms });
        }
        self.terms.push(Term { field, test });
        Ok(Node::Term(self.terms.len() - 1))
    }

    /// Reads a value, parts of which may be within quotes.
    fn value(&mut self) -> Result<String, QueryError> {
        let mut value = String::new();
        while let Some(next) = self.rest().chars().next() {
            match next {
                '(' | ')' => break,
                space if space.is_whitespace() => break,
                '"' => self.quoted(&mut value)?,
                plain => {
                    value.push(plain);
                    self.at += plain.len_utf8();
                }
            }
        }
        Ok(value)
    }

    /// Reads what is within quotes, and both of them.
    fn quoted(&mut self, value: &mut String) -> Result<(), QueryError> {
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += place + 1;
                    return Ok(());
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                plain => value.push(plain),
            }
        }
        Err(self.here(1, QueryProblem::QuoteOpen))
    }
}
