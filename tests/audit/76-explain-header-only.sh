printf "References: <a@b.example>\n =?us-ascii?Q?<c@d.exa?=\n =?us-ascii?Q?mple>?=\n" | "$AUDIT" explain
