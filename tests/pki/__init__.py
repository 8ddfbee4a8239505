# SPDX-License-Identifier: Apache-2.0
"""Certification authorities and certificates for the tests, made with the openssl command."""
