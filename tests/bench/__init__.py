# SPDX-License-Identifier: Apache-2.0
"""What is measured: make bench, make bench-cache."""
