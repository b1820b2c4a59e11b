"""The template's versions: releases, history, origin, changelog."""
