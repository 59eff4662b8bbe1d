// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/language.h"
#include "predicate/matcher.h"
#include "predicate/predicate.h"

namespace hf {

/// The predicate in words, for the one who is to confirm it: `did "purchase" at least 3 times in
/// the last 30 days and category is one of "shoes", "bags"`. The subject is left out, who or which
/// event; nothing else is: predicates that ask different things read differently. Texts of the
/// query are quoted and escaped, so that none of them can pass for words of ours. Instants are told
/// in UTC.
[[nodiscard]] std::string explain(const Predicate& predicate, Language language);
/// The same of a matcher: `"bought" (that is, "purchase" where (amount is above 10))`.
[[nodiscard]] std::string explain(const Matcher& matcher, Language language);

}  // namespace hf
