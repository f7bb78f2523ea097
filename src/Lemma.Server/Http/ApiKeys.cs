using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>Keys, of which hashes alone are kept; they are compared in constant time.</summary>
internal sealed class ApiKeys
{
    private const string Bearer = "Bearer ";
    private readonly byte[][] hashes;

    public ApiKeys(IEnumerable<string> keys)
    {
        hashes = [.. keys.Select(Hash)];
        foreach (string key in keys)
        {
            if (string.IsNullOrWhiteSpace(key))
                throw new ArgumentException("server: a key must not be empty, but one is");
        }
    }

    /// <summary>Refuses a request without one of them.</summary>
    public void Check(HttpRequest request)
    {
        if (hashes.Length == 0)
            return;
        string? given = request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? header[Bearer.Length..].Trim() : request.Headers["X-Api-Key"].ToString();
        if (string.IsNullOrEmpty(given))
            throw new ApiException(401, "You didn't provide an API key: send it as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'.", null, "missing_api_key");
        byte[] hash = Hash(given);
        bool isRight = false;
        // All are compared, so that the time tells nothing.
        foreach (byte[] known in hashes)
            isRight |= CryptographicOperations.FixedTimeEquals(known, hash);
        if (!isRight)
            throw new ApiException(401, "Incorrect API key provided.", null, "invalid_api_key");
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
