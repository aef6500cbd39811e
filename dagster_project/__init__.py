"""Cloudtally: cloud cost and carbon, from provider exports to published marts."""
