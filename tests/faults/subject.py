"""What's tested: chapter 6, or the end of the guide that FAULTS_LESSON names."""

import os

GUIDE = os.environ.get("FAULTS_LESSON")
HAS_HUB = GUIDE == "scaling_out"

# With two pages of one conversation: the group of the conversation, one for each person, and a
# channel for each page. In a project with a hub, pages share a channel.
SUBSCRIPTIONS = 4 if HAS_HUB else 5
