using Npgsql;

namespace Gristmill.Data;

/// <summary>How a PostgreSQL database is reached. What it is made of is shown nowhere: no message, no description of a flow and no cache key has it.</summary>
public sealed class PostgresConnection
{
    private readonly SecretText _text;

    private PostgresConnection(SecretText text) => _text = text;

    /// <summary>By a secret, which is looked up whenever a flow is executed and kept nowhere.</summary>
    /// <param name="name">Its name; its value is a connection string of Npgsql: "Host=db;Database=shop;Username=reader;Password=...".</param>
    /// <param name="secrets">Who knows it; null: the process's environment (<see cref="EnvironmentSecretStore"/>).</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is not a name. It is not repeated: somebody may have put the connection string there.</exception>
    public static PostgresConnection FromSecret(string name, ISecretStore? secrets = null) => new(SecretText.Named(name, secrets));

    /// <summary>By a connection string, as a stage's method gets it that takes a secret (<c>p.Secret</c>).</summary>
    public static PostgresConnection FromString(string connectionString) => new(SecretText.Given(connectionString));

    /// <summary>Where it comes from: "secret 'NAME'" or "connection string".</summary>
    public override string ToString() => _text.ToString();

    /// <summary>Opens a connection that is the caller's alone.</summary>
    internal NpgsqlConnection Open(CancellationToken cancellationToken)
    {
        var text = _text.FindAsync("how a PostgreSQL database is reached", cancellationToken).AsTask().GetAwaiter().GetResult();
        NpgsqlConnection? connection = null;
        try
        {
            // A pool would keep connections, and what they were made of, beyond the flow. Queries and checks take the time they take; whoever waits no longer cancels.
            var builder = new NpgsqlConnectionStringBuilder(text) { Pooling = false, Enlist = false, PersistSecurityInfo = false, CommandTimeout = 0 };
            if (!builder.TcpKeepAlive)
            {
                // So that a server that is gone without a word is found out.
                (builder.TcpKeepAlive, builder.TcpKeepAliveTime, builder.TcpKeepAliveInterval) = (true, 60, 10);
            }

            connection = new NpgsqlConnection(builder.ConnectionString);
            connection.OpenAsync(cancellationToken).GetAwaiter().GetResult();
            return connection;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            // Its message, and those inside, may quote the string.
            connection?.Dispose();
            throw new GristmillException(ErrorCodes.Invalid, $"The {_text} is no connection string of Npgsql.", "It is written Host=...;Database=...;Username=...;Password=....");
        }
        catch (PostgresException e)
        {
            connection?.Dispose();
            throw new GristmillException(ErrorCodes.SourceUnavailable, $"The PostgreSQL server of the {_text} lets nobody in: SQLSTATE {e.SqlState}.", "Look at database, user, password and pg_hba.conf. None of them is shown here.");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            connection?.Dispose();
            throw new GristmillException(ErrorCodes.SourceUnavailable, $"The PostgreSQL server of the {_text} is not reached{((e.InnerException as System.Net.Sockets.SocketException)?.SocketErrorCode is { } code ? $": {code}" : "")}.", "Look whether it runs, and at host and port.");
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }
}
