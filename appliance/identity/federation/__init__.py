"""People whom an identity provider of the company vouches for: OpenID Connect and SAML 2.0.

claims   what a token or an assertion says, which plant and which role that means     (decides, touches nothing)
jwks     keys of an issuer out of a JSON Web Key Set                                   (decides, touches nothing)
tokens   a token held against a key                                                    (decides, touches nothing)
keys     keys from a file and from issuers that can be reached
reach    the one way out: hosts that the owner of the box listed
people   who somebody from outside is here
"""
