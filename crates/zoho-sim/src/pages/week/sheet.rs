//! The stylesheet of the week. Where an event stands in its day is said by classes, because the page's content security
//! policy allows no style in the page: `t17` begins in the 17th quarter of an hour shown, `n2` lasts two.

use std::sync::LazyLock;

use crate::pages::push;

static CSS: LazyLock<String> = LazyLock::new(|| {
    let mut css = include_str!("week.css").to_owned();
    css.push_str("@media (min-width: 56rem) {\n");
    for quarter in 0..96 {
        push(&mut css, format_args!(".t{quarter} {{ grid-row-start: {}; }}\n", quarter + 1));
    }
    for quarters in 1..=96 {
        push(&mut css, format_args!(".n{quarters} {{ grid-row-end: span {quarters}; }}\n"));
    }
    for rows in (4..=96).step_by(4) {
        push(&mut css, format_args!(".rows{rows} {{ grid-template-rows: repeat({rows}, var(--quarter)); }}\n"));
    }
    css.push_str("}\n");
    css
});

/// The whole sheet.
pub(super) fn css() -> &'static str {
    &CSS
}
