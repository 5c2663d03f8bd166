#include "milter/agreed_terms.h"

#include <gtest/gtest.h>

namespace {

using milter::AgreedTerms;
using milter::Terms;
using Settings = std::shared_ptr<const config::Settings>;

TEST(AgreedTerms, AreThoseOfTheConnection) {
  AgreedTerms agreed;
  const auto settings = std::make_shared<const config::Settings>();
  const int one = 0;
  const int other = 0;
  agreed.put(&one, {7, true, true, true, settings});
  EXPECT_FALSE(agreed.find(&other, settings));
  const std::optional<Terms> found = agreed.find(&one, std::make_shared<const config::Settings>());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->protocol, 7u);
  EXPECT_TRUE(found->may_change && found->wants_recipients && found->wants_user);
  EXPECT_EQ(found->settings, settings);
  agreed.erase(&one);
  EXPECT_FALSE(agreed.find(&one, settings));
}

// A list of 100,000 addresses in each of many settings was kept for connections that had ended long ago.
TEST(AgreedTerms, DoNotKeepSettingsAlive) {
  AgreedTerms agreed;
  const int connection = 0;
  auto then = std::make_shared<const config::Settings>();
  const std::weak_ptr<const config::Settings> watched = then;
  agreed.put(&connection, {7, false, false, false, then});
  then.reset();
  EXPECT_TRUE(watched.expired());
  const auto now = std::make_shared<const config::Settings>();
  const std::optional<Terms> found = agreed.find(&connection, now);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->protocol, 7u) << "what the MTA was asked for stays";
  EXPECT_FALSE(found->may_change);
  EXPECT_EQ(found->settings, now);
}

// A service that was told to change nothing made edits for an MTA that had agreed to them once.
TEST(AgreedTerms, GiveNoRightThatTheSettingsOfNowDoNotWant) {
  AgreedTerms agreed;
  const int connection = 0;
  agreed.put(&connection, {7, true, false, false, std::make_shared<const config::Settings>()});
  auto log_only = std::make_shared<config::Settings>();
  log_only->mode = config::Mode::log_only;
  EXPECT_FALSE(agreed.find(&connection, log_only)->may_change);
  EXPECT_TRUE(agreed.find(&connection, std::make_shared<const config::Settings>())->may_change);
}

// The mail of those who are exempt now was edited. Nothing had to be agreed on to see who they are.
TEST(AgreedTerms, AskForTheUserWhereTheSettingsOfNowWantIt) {
  AgreedTerms agreed;
  const int connection = 0;
  agreed.put(&connection, {7, true, false, false, std::make_shared<const config::Settings>()});
  auto exempting = std::make_shared<config::Settings>();
  exempting->scope.exempt_authenticated = true;
  EXPECT_TRUE(agreed.find(&connection, exempting)->wants_user);
  EXPECT_FALSE(agreed.find(&connection, std::make_shared<const config::Settings>())->wants_user);
}

}  // namespace
